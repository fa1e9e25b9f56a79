### Playground

playground-lead = Um mundo só seu para experimentar tudo sem dinheiro: blocos quando quiser, moedas de uma torneira.
playground-world = O que há
playground-height = Altura da cadeia
playground-faucet = Na torneira
playground-outside = Nó de fora
playground-outside-none = Ainda não responde. Continuamos tentando.
playground-channel = Canal até ele
playground-channel-of = {$ours} de {$capacity} sats são nossos
playground-channel-none = Ainda não está aberto.
playground-mine = Criar blocos
playground-blocks = Quantos blocos
playground-mine-do = Minerar blocos
playground-mined = Os blocos foram minerados.
playground-fund = Moedas da torneira
playground-address = Endereço regtest
playground-sats = Valor em sats
playground-fund-do = Enviar moedas
playground-funded = As moedas estão a caminho. Transação: {$txid}
