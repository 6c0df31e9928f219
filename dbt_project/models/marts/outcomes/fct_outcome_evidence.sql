{{ config(
    incremental=true,
    unique_key=['episode_key', 'evidence_number'],
    touched_key=['session_key'],
    touched_sql="{{ evidence_sessions() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key', 'evidence_number'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key'],
    rows_per_file=2500,
    tags=['scope:shard']
) }}

{% set touched_sessions = evidence_sessions() %}
{% set columns = 'episode_key, tier, kind, source, evidence_key, occurred_at, outcome, says' %}

with evidence as (

    {% for model in ['int_polecat_evidence', 'int_refinery_evidence', 'int_mayor_evidence', 'int_crew_evidence'] -%}
    select {{ columns }}
    from {{ part_of(ref(model), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}
    union all
    {% endfor -%}
    select {{ columns }}
    from {{ part_of(ref('int_patrol_evidence'), touched_sessions) }}

),

episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        role_family
    from {{ part_of(ref('fct_episodes'), touched_sessions) }}
    where {{ session_rows(touched_sessions) }}

),

weighed as (

    select
        evidence.*,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        case evidence.tier
            when 'telemetry' then 1 when 'formula' then 2 when 'bead' then 3 when 'town_event' then 4 else 5
        end as tier_rank,
        rules.precedence,
        min(rules.precedence) over (partition by evidence.episode_key) as best_precedence
    from evidence
    inner join episodes on evidence.episode_key = episodes.episode_key
    left join {{ ref('role_outcome_rules') }} as rules
        on episodes.role_family = rules.role_family and evidence.outcome = rules.outcome

)

select
    episode_key,
    cast(row_number() over (
        partition by episode_key order by tier_rank, occurred_at nulls last, kind, source, evidence_key
    ) as bigint) as evidence_number,
    session_key,
    session_started_on,
    session_started_at,
    tier,
    tier_rank,
    kind,
    source,
    evidence_key,
    occurred_at,
    outcome,
    coalesce(precedence = best_precedence, false) as is_deciding,
    says
from weighed
