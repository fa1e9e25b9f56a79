### Sign-in, step-up, locked

sign-in = Iniciar sesión
sign-in-title = Iniciar sesión en {$name}
sign-in-code-lead = La contraseña es correcta. Ahora también el código; la contraseña otra vez, porque no se guarda.
sign-in-do = Iniciar sesión
sign-in-lost = Perdí mi contraseña
sign-in-lost-more = En la propia caja, este comando pone una nueva. Conserva todos los datos y desactiva la verificación en dos pasos.
code = Código de dos pasos
code-hint = Seis cifras de su aplicación de autenticación, o un código de recuperación.
step-up-title = Su contraseña una vez más
step-up-lead = Lo que va a hacer puede dañar la caja. Durante cinco minutos no se le volverá a preguntar.
step-up-do = Confirmar que es usted
step-up-leave = Dejarlo así
locked-title = Esta caja está bloqueada
locked-lead = Falta su archivo de clave, así que no se puede leer nada privado. Los servicios en marcha siguen. Ábrala con la frase o el código de recuperación de la configuración.
locked-hint = La que puso o anotó en la configuración; no las 24 palabras.
locked-do = Abrir la caja
locked-opening = La caja se está abriendo
locked-opening-more = La frase es correcta. Las páginas vuelven en unos segundos.
locked-look = Mirar ahora
