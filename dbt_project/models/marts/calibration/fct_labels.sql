{{ config(
    incremental=false,
    unique_key=['label_id'],
    order_by=['labelled_at', 'label_id'],
    statistics=['label_id', 'episode_key', 'session_key', 'labelled_at'],
    tags=['scope:global']
) }}

with labels as (

    select
        *,
        row_number() over (
            partition by labeller_kind, labeller, episode_key
            order by labelled_at desc, label_id desc
        ) as newest_first
    from {{ ref('stg_labels__labels') }}

)

select
    label_id,
    town_id,
    session_key,
    episode_key,
    cycle,
    labeller,
    labeller_kind,
    labeller_kind = 'human' as is_human,
    verdict,
    reason,
    -- Who judges an episode again has changed their mind.
    newest_first = 1 as is_current,
    role,
    role_family,
    outcome,
    outcome_class,
    tier,
    rules_version,
    gate_reason,
    is_accepted,
    rank_score,
    confidence,
    stratum,
    stratum_size,
    labelled_at
from labels
