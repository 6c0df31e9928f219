{{ config(
    unique_key=['startup', 'role_family', 'valid_from'],
    order_by=['startup', 'role_family', 'valid_from'],
    statistics=['startup'],
    tags=['scope:global'],
) }}

with named as (

    select startup from {{ source('policy', 'startups') }}

),

startups as (

    select startup from {{ ref('bridge_rig_startup') }}
    union
    select startup from named

),

town_counts as (

    select
        startup,
        cast(count(distinct town_id) as bigint) as town_count
    from {{ ref('bridge_rig_startup') }}
    group by startup

),

-- An empty lake has no time; what holds from the beginning holds there.
moments as (

    select coalesce({{ as_of() }}, cast('1970-01-01 00:00:00+00' as timestamp with time zone)) as judged_at

),

consents as (

    select
        startups.startup,
        consents.role_family,
        consents.valid_from,
        consents.valid_until,
        consents.learn,
        consents.can_train,
        consents.can_eval,
        consents.can_synthesise,
        consents.is_cross_town,
        consents.source_models,
        consents.source_model_pattern,
        consents.expires_at
    from startups
    left join named on startups.startup = named.startup
    inner join {{ source('policy', 'consents') }} as consents on coalesce(named.startup, '') = coalesce(consents.startup, '')

)

select
    consents.startup,
    consents.role_family,
    consents.valid_from,
    consents.valid_until,
    consents.learn,
    consents.can_train,
    consents.can_eval,
    consents.can_synthesise,
    consents.is_cross_town,
    coalesce(town_counts.town_count, 0) as town_count,
    consents.source_models,
    consents.source_model_pattern,
    consents.expires_at,
    consents.valid_from <= moments.judged_at and coalesce(consents.valid_until > moments.judged_at, true) as is_current,
    coalesce(consents.expires_at <= moments.judged_at, false) as is_expired
from consents
cross join moments
left join town_counts on consents.startup = town_counts.startup
