{{ config(
    incremental=true,
    unique_key=['episode_key'],
    touched_key=['session_key'],
    touched_sql="{{ consent_sessions_sql() }}",
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'episode_key'],
    statistics=['session_key', 'session_started_on', 'session_started_at', 'episode_key', 'town_id'],
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        session_key,
        session_started_on,
        session_started_at,
        town_id,
        role_family,
        -- Nobody knows whether the role is one that may be learned from: the strictest of all roles holds.
        coalesce(role_family, 'unknown') as consent_role
    from {{ consent_part(ref('fct_episodes')) }}
    where {{ of_consent_sessions() }}

),

rigs as (

    select
        episode_key,
        rig
    from {{ consent_part(ref('bridge_episode_rig')) }}
    where {{ of_consent_sessions() }}

),

current_consents as (

    select
        startup,
        role_family,
        case when is_expired then 0 else {{ strictness('learn') }} end as learn_rank,
        {{ strictness('learn') }} > 0 and is_expired as is_expired,
        max({{ strictness('learn') }}) over (partition by startup) as widest_rank,
        can_train,
        can_eval,
        is_cross_town,
        town_count,
        source_model_pattern
    from {{ ref('dim_consent') }}
    where is_current

),

consents as (

    select * from current_consents
    union all
    select
        startup,
        'unknown' as role_family,
        learn_rank,
        is_expired,
        widest_rank,
        can_train,
        can_eval,
        is_cross_town,
        town_count,
        source_model_pattern
    from current_consents

),

startups as (

    select distinct
        episodes.episode_key,
        episodes.consent_role,
        places.startup
    from episodes
    left join rigs on episodes.episode_key = rigs.episode_key
    inner join {{ ref('bridge_rig_startup') }} as places
        on episodes.town_id = places.town_id and coalesce(rigs.rig, '') = coalesce(places.rig, '')

),

asked as (

    select
        startups.episode_key,
        startups.startup,
        coalesce(consents.learn_rank, 0) as learn_rank,
        coalesce(consents.is_expired, false) as is_expired,
        coalesce(consents.widest_rank, 0) as widest_rank,
        coalesce(consents.can_train, false) as can_train,
        coalesce(consents.can_eval, false) as can_eval,
        coalesce(consents.is_cross_town, false) as is_cross_town,
        coalesce(consents.town_count, 0) as town_count,
        consents.source_model_pattern
    from startups
    left join consents on startups.startup = consents.startup and startups.consent_role = consents.role_family

),

conversations as (

    select
        episode_key,
        session_key,
        agent_key,
        first_message_number,
        last_message_number
    from {{ consent_part(ref('int_conversations')) }}
    where {{ of_consent_sessions() }}

),

-- Of its sub-agents as well, wherever in the session they went on.
models as (

    select distinct
        conversations.episode_key,
        coalesce(turns.model, '') as model
    from conversations
    inner join {{ consent_part(ref('fct_turns')) }} as turns
        on
            conversations.session_key = turns.session_key
            and conversations.agent_key = turns.agent_key
            and conversations.first_message_number <= turns.first_message_number
            and conversations.last_message_number >= turns.first_message_number
    where
        turns.role = 'assistant'
        and not turns.is_api_error
        -- What the harness itself puts in a model's mouth.
        and coalesce(turns.model, '') <> '<synthetic>'
        and {{ of_consent_sessions('turns') }}

),

model_names as (

    select distinct model from models

),

patterns as (

    select distinct source_model_pattern from consents

),

-- Patterns are compared with names of models, not with every episode's.
refusals as (

    select
        names.model,
        patterns.source_model_pattern
    from model_names as names
    cross join patterns
    where not {{ regex_matches_value('names.model', 'patterns.source_model_pattern') }}

),

refused as (

    select
        models.episode_key,
        min(models.model) as model
    from models
    inner join asked on models.episode_key = asked.episode_key
    inner join refusals
        on models.model = refusals.model and asked.source_model_pattern = refusals.source_model_pattern
    group by models.episode_key

),

names as (

    select
        episode_key,
        cast(count(*) as bigint) as startup_count,
        min(startup) as first_startup,
        {{ joined_text('startup', ', ', 'startup') }} as startups
    from startups
    group by episode_key

),

strictest as (

    select
        episode_key,
        min(learn_rank) as learn_rank,
        min(case when learn_rank = 0 then startup end) as refusing_startup,
        -- A startup that lets nobody learn says more than one that keeps out a role, and that more than an end of time.
        max(case when learn_rank = 0 and not is_expired and widest_rank = 0 then 1 else 0 end) = 1 as has_no_consent,
        max(case when learn_rank = 0 and not is_expired and widest_rank > 0 then 1 else 0 end) = 1 as is_role_refused,
        min(case when can_train then 1 else 0 end) = 1 as can_train,
        min(case when can_eval then 1 else 0 end) = 1 as can_eval,
        min(case when is_cross_town then 1 else 0 end) = 1 as is_cross_town,
        max(town_count) as town_count
    from asked
    group by episode_key

),

judged as (

    select
        episodes.episode_key,
        episodes.session_key,
        episodes.session_started_on,
        episodes.session_started_at,
        episodes.town_id,
        episodes.role_family,
        coalesce(names.startup_count, 0) as startup_count,
        names.first_startup,
        names.startups,
        coalesce(strictest.learn_rank, 0) as learn_rank,
        coalesce(strictest.can_train, false) as can_train,
        coalesce(strictest.can_eval, false) as can_eval,
        coalesce(strictest.learn_rank, 0) = 2 and strictest.is_cross_town as is_for_base,
        coalesce(strictest.learn_rank, 0) > 0
        and names.startup_count = 1
        and (strictest.is_cross_town or strictest.town_count <= 1) as is_for_overlay,
        case
            when strictest.episode_key is null then 'town_unknown'
            when strictest.has_no_consent then 'no_consent'
            when strictest.is_role_refused then 'role_not_allowed'
            when strictest.learn_rank = 0 then 'consent_expired'
            when not strictest.can_train and not strictest.can_eval then 'purpose_not_allowed'
            when refused.episode_key is not null then 'source_model_not_allowed'
        end as refusal,
        case when strictest.learn_rank = 0 then strictest.refusing_startup else refused.model end as refused_by
    from episodes
    left join names on episodes.episode_key = names.episode_key
    left join strictest on episodes.episode_key = strictest.episode_key
    left join refused on episodes.episode_key = refused.episode_key

)

select
    episode_key,
    session_key,
    session_started_on,
    session_started_at,
    town_id,
    role_family,
    case when startup_count = 1 then first_startup end as startup,
    startups,
    startup_count,
    case learn_rank when 2 then 'shared' when 1 then 'own' else 'none' end as learn,
    refusal is null and can_train and (is_for_base or is_for_overlay) as can_train,
    refusal is null and can_eval and (is_for_base or is_for_overlay) as can_eval,
    refusal is null and coalesce(is_for_base, false) as is_base_allowed,
    refusal is null and coalesce(is_for_overlay, false) as is_overlay_allowed,
    case
        when refusal is not null then refusal
        when is_for_base or is_for_overlay then null
        when startup_count > 1 and learn_rank = 1 then 'several_startups'
        else 'cross_town_not_allowed'
    end as consent_reason,
    refused_by
from judged
