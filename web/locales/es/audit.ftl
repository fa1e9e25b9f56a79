### Audit log

audit-lead = Quién hizo qué y desde dónde. Cada entrada está encadenada a la anterior, así que nada cambia sin verse.
audit-empty = Todavía no ha pasado nada.
audit-verify = Verificar la cadena
audit-whole =
    La cadena está entera: { $n ->
        [one] {$n} entrada encaja
       *[other] las {$n} entradas encajan
    }.
audit-broken = La cadena está rota en la entrada {$n}
audit-broken-more = Alguien o algo cambió el registro desde ahí. Trate la caja como manipulada hasta saber por qué.
audit-sign-in = Inició sesión
audit-sign-in-failed = Inicio de sesión fallido
audit-sign-out = Cerró sesión
audit-step-up = Confirmó la contraseña
audit-step-up-failed = Falló al confirmar la contraseña
audit-session-revoked = Cerró una sesión
audit-password-changed = Cambió la contraseña
audit-password-reset = Restableció una contraseña
audit-totp-on = Activó los dos pasos
audit-totp-off = Desactivó los dos pasos
audit-alarm-raised = Alarma activada
audit-alarm-gone = Alarma terminada
audit-alarm-acknowledged = Vio una alarma
audit-box-started = Supervisor iniciado
audit-box-unlocked = Abrió la caja
audit-box-unlock-failed = No se pudo abrir
audit-change-staged = Preparó un cambio
audit-change-applied = Aplicó un cambio
audit-change-discarded = Descartó un cambio
audit-change-reverted = Deshizo un cambio
audit-edge-rotate = Empezó una renovación
audit-edge-rotated = Terminó una renovación
audit-keys-recovery-set = Puso el secreto de recuperación
audit-lightning-wallet-made = Creó la cartera Lightning
audit-service-start = Arrancó un servicio
audit-service-stop = Paró un servicio
audit-service-restart = Reinició un servicio
audit-service-rebuild = Reconstruyó un índice
audit-service-started = Servicio arrancado
audit-service-stopped = Servicio parado
audit-service-crashed = Servicio caído
audit-service-good = Servicio bien otra vez
audit-service-adopted = Servicio adoptado
audit-setup-claim = Código de posesión introducido
audit-setup-claim-failed = Código de posesión incorrecto
audit-setup-claim-code = Creó un código de posesión
audit-setup-commit = Terminó la configuración
audit-setup-committed = Terminó la configuración
audit-setup-words-shown = Se mostraron las 24 palabras
audit-setup-words-confirmed = Confirmó las 24 palabras
audit-service-crash-loop = El servicio se cae una y otra vez
audit-service-does-not-answer = El servicio no responde
audit-service-reverted = Se deshizo un cambio
audit-service-data-damaged = Datos dañados
audit-service-wallet-password = Contraseña de la cartera rechazada
audit-service-recovered = Servicio bien de nuevo
audit-box-rescued = La caja volvió a una copia anterior
audit-profile-changed = Cambió el idioma o el tema
audit-record-dropped = Entradas omitidas
