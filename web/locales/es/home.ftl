### Home

home-needs-you = Le necesita
home-all-services = Todos los servicios
home-glance = La caja de un vistazo
glance-services = Servicios bien
glance-services-of = {$good} de {$wanted}
glance-chain = Bloque más nuevo
glance-chain-none = aún no se sabe
glance-disk-of = libres de {$total}
home-lately = Lo que pasó hace poco
home-all-deeds = Auditoría
home-member = Le damos la bienvenida a {$name}
home-member-more = Ha iniciado sesión. Sus ajustes están en el menú; aún no hay nada más aquí para usted.
overview-good = Todo está bien
overview-good-more =
    { $n ->
        [one] Un servicio funciona bien.
       *[other] Los {$n} servicios funcionan bien.
    } No hay nada que hacer.
overview-loading = Su nodo se está poniendo al día
overview-loading-more = Es normal y la primera vez puede tardar. Puede cerrar esta página; sigue por sí solo.
overview-starting = Los servicios están arrancando
overview-starting-more = Arrancan uno tras otro, cada uno cuando responde el que necesita. No hay nada que hacer.
overview-bad =
    { $n ->
        [one] Un servicio tiene un problema
       *[other] {$n} servicios tienen un problema
    }
overview-bad-more = Seguimos intentando recuperarlo. La página del servicio dice por qué.
overview-alarms =
    { $n ->
        [one] Una cosa le necesita
       *[other] {$n} cosas le necesitan
    }
overview-alarms-more = Vea abajo qué pasó, qué hace la caja y qué puede hacer usted.
overview-rescue = La caja usa una copia
overview-rescue-more = Su archivo de estado se dañó y se usa la última copia. Su dinero y sus claves no se han tocado. Vea la alerta abajo.
overview-silent = El supervisor aún no responde
overview-silent-more = Es la parte que mantiene los servicios; siguen sin ella. Seguimos intentando. Si dura, mire la caja.
overview-progress = {$service}: {$percent} hecho
overview-progress-more = Todo lo demás sigue mientras tanto.
task-look-at = Abrir {$service}
trust-hint = Este navegador aún no confía en la caja
trust-hint-more = Cuando confíe, los avisos terminan y podrá instalar estas páginas como aplicación.
trust-hint-do = Hacer que confíe
