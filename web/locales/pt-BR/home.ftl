### Home

home-needs-you = Precisa de você
home-all-services = Todos os serviços
home-glance = A caixa num relance
glance-services = Serviços bons
glance-services-of = {$good} de {$wanted}
glance-chain = Bloco mais novo
glance-chain-none = ainda não se sabe
glance-disk-of = livres de {$total}
home-lately = O que aconteceu há pouco
home-all-deeds = Auditoria
home-member = Boas-vindas a {$name}
home-member-more = Você entrou. Seus ajustes estão no menu; ainda não há mais nada aqui para você.
overview-good = Está tudo bem
overview-good-more =
    { $n ->
        [one] Um serviço funciona bem.
       *[other] Todos os {$n} serviços funcionam bem.
    } Nada a fazer.
overview-loading = Seu nó está se atualizando
overview-loading-more = Isso é normal e pode demorar na primeira vez. Você pode fechar esta página; continua sozinho.
overview-starting = Os serviços estão iniciando
overview-starting-more = Eles iniciam um após o outro, cada um quando aquele de que precisa responde. Nada a fazer.
overview-bad =
    { $n ->
        [one] Um serviço tem um problema
       *[other] {$n} serviços têm um problema
    }
overview-bad-more = Continuamos tentando trazê-lo de volta. A página do serviço diz o motivo.
overview-alarms =
    { $n ->
        [one] Uma coisa precisa de você
       *[other] {$n} coisas precisam de você
    }
overview-alarms-more = Veja abaixo o que aconteceu, o que a caixa está fazendo e o que você pode fazer.
overview-rescue = A caixa está usando uma cópia
overview-rescue-more = O arquivo de estado foi danificado, e a última cópia está em uso. Seu dinheiro e suas chaves não foram tocados. Veja o alerta abaixo.
overview-silent = O supervisor ainda não responde
overview-silent-more = É a parte que mantém os serviços; eles continuam sem ela. Continuamos tentando. Se durar, olhe a caixa.
overview-progress = {$service}: {$percent} pronto
overview-progress-more = Todo o resto continua enquanto isso.
task-look-at = Abrir {$service}
trust-hint = Este navegador ainda não confia na caixa
trust-hint-more = Quando confiar, os avisos acabam e você pode instalar estas páginas como aplicativo.
trust-hint-do = Fazer confiar na caixa
