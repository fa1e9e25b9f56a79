### Updates

updates-lead = Cada versión está fijada. Nada cambia hasta que haya leído qué cambiaría.
updates-versions = Versiones
updates-empty = El catálogo está vacío.
update-current = Al día
update-offered = Versión nueva disponible
update-revoked = No debe usarse
update-stage = Preparar versión nueva
source-pulled = descargado por huella
source-built = compilado en esta caja
source-other = origen desconocido
switch-on = Encender {$service}
switch-off = Apagar {$service}
staged-title = Lea antes de aplicar
staged-lead = Esto es todo lo que cambia. Aún no ha pasado nada.
staged-waits = Hay un cambio preparado
staged-waits-more = Espera hasta que lo haya leído.
staged-read = Leerlo
staged-changes = Qué cambia
staged-since = Preparado {$when}
staged-gate = Si un servicio no queda bien, su versión anterior vuelve sola.
staged-discard = Descartar este cambio
staged-apply = Aplicar este cambio
