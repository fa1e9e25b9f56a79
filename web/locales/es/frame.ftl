### Frame: navigation, common words, spans and dates

skip = Ir al contenido
nav-main = Principal
nav-small = Principal, pantallas pequeñas
nav-all = Todas las páginas
nav-home = Inicio
nav-services = Servicios
nav-alerts = Alertas
nav-alerts-open =
    { $n ->
        [one] {$n} alerta espera
       *[other] {$n} alertas esperan
    }
nav-updates = Versiones
nav-audit = Auditoría
nav-settings = Ajustes
nav-playground = Campo de pruebas
nav-more = Más
nav-block = bloque {$n}
sign-out = Cerrar sesión de {$name}
stale = Sin conexión en vivo. Lo que ve tiene {"{n}"} s; seguimos intentando.
details = Detalles
copy = Copiar
copied = Copiado
back = Atrás
change = Cambiar
none = Ninguno
on = Activado
off = Desactivado
action = Acción
pages = Páginas
pager-newest = Más recientes
pager-older = Más antiguas
language = Idioma
language-browser = Como pida el navegador
theme = Apariencia
theme-light = Claro
theme-dark = Oscuro
theme-system = Como el dispositivo
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
        [one] {$n} día
       *[other] {$n} días
    }
ago = hace {$span}
ago-now = ahora mismo
since = desde {$when}
time-left = Faltan unos {$span}.
time-unknown = Todavía no se puede decir cuánto falta.
moment = {$day} {$month} {$year}, {$time} UTC
month-1 = ene
month-2 = feb
month-3 = mar
month-4 = abr
month-5 = may
month-6 = jun
month-7 = jul
month-8 = ago
month-9 = sep
month-10 = oct
month-11 = nov
month-12 = dic
sats =
    { $n ->
        [one] {$n} sat
       *[other] {$n} sats
    }
who-box = la caja
who-setup = Configuración
network-mainnet = Bitcoin (dinero real)
network-testnet4 = Testnet4
network-signet = Signet
network-regtest = Regtest (solo esta caja)
network-other = Red desconocida
network-short-mainnet = mainnet
network-short-testnet4 = testnet4
network-short-signet = signet
network-short-regtest = regtest
network-short-other = red desconocida
