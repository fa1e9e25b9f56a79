### Playground

playground-lead = Un mundo propio para probarlo todo sin dinero: bloques cuando quiera, monedas de un grifo.
playground-world = Qué hay
playground-height = Altura de la cadena
playground-faucet = En el grifo
playground-outside = Nodo de fuera
playground-outside-none = Aún no responde. Seguimos intentando.
playground-channel = Canal hasta él
playground-channel-of = {$ours} de {$capacity} sats son nuestros
playground-channel-none = Aún no está abierto.
playground-mine = Crear bloques
playground-blocks = Cuántos bloques
playground-mine-do = Minar bloques
playground-mined = Los bloques están minados.
playground-fund = Monedas del grifo
playground-address = Dirección regtest
playground-sats = Cantidad en sats
playground-fund-do = Enviar monedas
playground-funded = Las monedas están en camino. Transacción: {$txid}
