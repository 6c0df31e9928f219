{{ config(tags=['scope:global']) }}

with records as (

    select
        *,
        {{ json_to_struct('record', {
            'reason': 'VARCHAR',
            'judged': {
                'role': 'VARCHAR',
                'role_family': 'VARCHAR',
                'outcome': 'VARCHAR',
                'outcome_class': 'VARCHAR',
                'tier': 'VARCHAR',
                'rules_version': 'VARCHAR',
                'gate_reason': 'VARCHAR',
                'is_accepted': 'VARCHAR',
                'rank_score': 'VARCHAR',
                'confidence': 'VARCHAR',
                'stratum': 'VARCHAR',
                'stratum_size': 'VARCHAR',
            },
        }) }} as fields
    from {{ source('raw', 'labels') }}

)

select
    label_id,
    load_seq,
    town_id,
    session_key,
    episode_key,
    cycle,
    labeller,
    labeller_kind,
    verdict,
    nullif(fields.reason, '') as reason,
    fields.judged.role as role,
    fields.judged.role_family as role_family,
    fields.judged.outcome as outcome,
    fields.judged.outcome_class as outcome_class,
    fields.judged.tier as tier,
    fields.judged.rules_version as rules_version,
    fields.judged.gate_reason as gate_reason,
    {{ to_boolean('fields.judged.is_accepted') }} as is_accepted,
    {{ to_double('fields.judged.rank_score') }} as rank_score,
    {{ to_double('fields.judged.confidence') }} as confidence,
    fields.judged.stratum as stratum,
    {{ to_bigint('fields.judged.stratum_size') }} as stratum_size,
    labelled_at
from records
