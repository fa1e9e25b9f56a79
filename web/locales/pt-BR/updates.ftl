### Updates

updates-lead = Cada versão é fixa. Nada muda até você ler o que mudaria.
updates-versions = Versões
updates-empty = O catálogo está vazio.
update-current = Em dia
update-offered = Atualização disponível
update-revoked = Não deve ser usada
update-stage = Preparar atualização
source-pulled = baixado por impressão digital
source-built = compilado nesta caixa
source-other = origem desconhecida
switch-on = Ligar {$service}
switch-off = Desligar {$service}
staged-title = Leia antes de aplicar
staged-lead = Isto é tudo o que muda. Nada aconteceu ainda.
staged-waits = Há uma mudança preparada
staged-waits-more = Aguarda até você ler.
staged-read = Ler
staged-changes = O que muda
staged-since = Preparada {$when}
staged-gate = Se um serviço não ficar bom, a versão anterior volta sozinha.
staged-discard = Descartar esta mudança
staged-apply = Aplicar esta mudança
