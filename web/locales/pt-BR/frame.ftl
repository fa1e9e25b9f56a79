### Frame: navigation, common words, spans and dates

skip = Ir para o conteúdo
nav-main = Principal
nav-small = Principal, telas pequenas
nav-all = Todas as páginas
nav-home = Início
nav-services = Serviços
nav-alerts = Alertas
nav-alerts-open =
    { $n ->
        [one] {$n} alerta aguarda
       *[other] {$n} alertas aguardam
    }
nav-updates = Atualizações
nav-audit = Auditoria
nav-settings = Ajustes
nav-playground = Campo de testes
nav-more = Mais
nav-block = bloco {$n}
sign-out = Sair ({$name})
stale = Sem conexão ao vivo. O que você vê tem {"{n}"} s; continuamos tentando.
details = Detalhes
copy = Copiar
copied = Copiado
back = Voltar
change = Mudar
none = Nenhum
on = Ligada
off = Desligada
action = Ação
pages = Páginas
pager-newest = Mais recentes
pager-older = Mais antigos
language = Idioma
language-browser = Como o navegador pedir
theme = Aparência
theme-light = Claro
theme-dark = Escuro
theme-system = Como o aparelho
span-seconds =
    { $n ->
        [one] {$n} segundo
       *[other] {$n} segundos
    }
span-minutes =
    { $n ->
        [one] {$n} minuto
       *[other] {$n} minutos
    }
span-hours =
    { $n ->
        [one] {$n} hora
       *[other] {$n} horas
    }
span-days =
    { $n ->
        [one] {$n} dia
       *[other] {$n} dias
    }
ago = há {$span}
ago-now = agora mesmo
since = desde {$when}
time-left = Faltam cerca de {$span}.
time-unknown = Ainda não dá para dizer quanto tempo falta.
moment = {$day} de {$month} de {$year}, {$time} UTC
month-1 = jan.
month-2 = fev.
month-3 = mar.
month-4 = abr.
month-5 = mai.
month-6 = jun.
month-7 = jul.
month-8 = ago.
month-9 = set.
month-10 = out.
month-11 = nov.
month-12 = dez.
sats =
    { $n ->
        [one] {$n} sat
       *[other] {$n} sats
    }
who-box = a caixa
who-setup = Configuração
network-mainnet = Bitcoin (dinheiro de verdade)
network-testnet4 = Testnet4
network-signet = Signet
network-regtest = Regtest (só esta caixa)
network-other = Rede desconhecida
network-short-mainnet = mainnet
network-short-testnet4 = testnet4
network-short-signet = signet
network-short-regtest = regtest
network-short-other = rede desconhecida
