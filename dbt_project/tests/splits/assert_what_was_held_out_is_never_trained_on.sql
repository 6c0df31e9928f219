-- Against the last release: eval and test stay what they were, or become stricter; only train may become eval or test.
select
    before.episode_key,
    before.split as split_before,
    now_given.split
from {{ ref('int_split_history') }} as before
left join {{ ref('int_split_ledger') }} as now_given on before.episode_key = now_given.episode_key
where coalesce({{ split_rank('now_given.split') }}, 0) < {{ split_rank('before.split') }}
