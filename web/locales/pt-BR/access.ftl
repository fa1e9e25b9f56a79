### Sign-in, step-up, locked

sign-in = Entrar
sign-in-title = Entrar em {$name}
sign-in-code-lead = A senha está certa. Agora também o código; a senha mais uma vez, porque não é guardada.
sign-in-do = Entrar
sign-in-lost = Perdi minha senha
sign-in-lost-more = Na própria caixa, este comando define uma nova. Mantém todos os dados e desliga a verificação em duas etapas.
code = Código de duas etapas
code-hint = Seis dígitos do aplicativo autenticador, ou um código de recuperação.
step-up-title = Sua senha mais uma vez
step-up-lead = O que você vai fazer pode prejudicar a caixa. Por cinco minutos depois disto, não perguntamos de novo.
step-up-do = Confirmar que é você
step-up-leave = Deixar como está
locked-title = Esta caixa está trancada
locked-lead = O arquivo de chave está faltando, então nada privado pode ser lido. Os serviços em execução continuam. Destranque com a frase ou o código de recuperação da configuração.
locked-hint = A que você definiu ou anotou na configuração; não as 24 palavras.
locked-do = Destrancar a caixa
locked-opening = A caixa está abrindo
locked-opening-more = A frase está certa. As páginas voltam em alguns segundos.
locked-look = Ver agora
