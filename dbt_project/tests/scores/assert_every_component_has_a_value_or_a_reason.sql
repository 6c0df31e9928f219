-- A value from 0 to 1 with its evidence, or the reason why there is none; never both, never neither.
select
    components.episode_key,
    components.component,
    components.value,
    components.null_reason
from {{ written(ref('fct_score_components')) }} as components
where
    {{ touched_rows(ref('fct_score_components'), 'components') }}
    and (
        (components.value is null) = (components.null_reason is null)
        or components.value < 0 or components.value > 1
        or (components.value is not null and components.evidence_source is null)
        or components.weight < 0
    )
