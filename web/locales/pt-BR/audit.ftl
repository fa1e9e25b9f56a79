### Audit log

audit-lead = Quem fez o quê, e de onde. Cada registro está encadeado ao anterior, então nada muda sem ser visto.
audit-empty = Nada aconteceu ainda.
audit-verify = Verificar a cadeia
audit-whole =
    A cadeia está inteira: { $n ->
        [one] {$n} registro confere
       *[other] todos os {$n} registros conferem
    }.
audit-broken = A cadeia está quebrada no registro {$n}
audit-broken-more = Alguém ou algo mudou os registros a partir dali. Trate a caixa como violada até saber o motivo.
audit-sign-in = Entrou
audit-sign-in-failed = Falha ao entrar
audit-sign-out = Saiu
audit-step-up = Confirmou a senha
audit-step-up-failed = Falha ao confirmar a senha
audit-session-revoked = Encerrou uma sessão
audit-password-changed = Mudou a senha
audit-password-reset = Redefiniu uma senha
audit-totp-on = Ligou as duas etapas
audit-totp-off = Desligou as duas etapas
audit-alarm-raised = Alarme disparado
audit-alarm-gone = Alarme encerrado
audit-alarm-acknowledged = Viu um alarme
audit-box-started = Supervisor iniciado
audit-box-unlocked = Destrancou a caixa
audit-box-unlock-failed = Falha ao destrancar
audit-change-staged = Preparou uma mudança
audit-change-applied = Aplicou uma mudança
audit-change-discarded = Descartou uma mudança
audit-change-reverted = Desfez uma mudança
audit-edge-rotate = Começou uma troca
audit-edge-rotated = Terminou uma troca
audit-keys-recovery-set = Definiu o segredo de recuperação
audit-lightning-wallet-made = Criou a carteira Lightning
audit-service-start = Iniciou um serviço
audit-service-stop = Parou um serviço
audit-service-restart = Reiniciou um serviço
audit-service-rebuild = Reconstruiu um índice
audit-service-started = Serviço iniciado
audit-service-stopped = Serviço parado
audit-service-crashed = Serviço caiu
audit-service-good = Serviço bom de novo
audit-service-adopted = Serviço adotado
audit-setup-claim = Código de posse digitado
audit-setup-claim-failed = Código de posse errado
audit-setup-claim-code = Criou um código de posse
audit-setup-commit = Terminou a configuração
audit-setup-committed = Terminou a configuração
audit-setup-words-shown = As 24 palavras foram mostradas
audit-setup-words-confirmed = Confirmou as 24 palavras
audit-service-crash-loop = O serviço cai sem parar
audit-service-does-not-answer = O serviço não responde
audit-service-reverted = Uma mudança foi desfeita
audit-service-data-damaged = Dados danificados
audit-service-wallet-password = Senha da carteira recusada
audit-service-recovered = Serviço bem de novo
audit-box-rescued = A caixa voltou a uma cópia anterior
audit-profile-changed = Mudou idioma ou tema
audit-record-dropped = Entradas omitidas
