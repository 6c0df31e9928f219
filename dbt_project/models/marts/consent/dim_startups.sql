{{ config(
    unique_key=['startup'],
    order_by=['startup'],
    statistics=['startup'],
    tags=['scope:global'],
) }}

with current_consents as (

    select
        startup,
        min({{ strictness('learn') }}) as strictest,
        max({{ strictness('learn') }}) as widest,
        min(expires_at) as expires_at
    from {{ ref('dim_consent') }}
    where is_current
    group by startup

),

places as (

    select
        places.startup,
        places.town_id,
        places.rig,
        case when places.rig is not null then concat(towns.name, '/', places.rig) end as place
    from {{ ref('bridge_rig_startup') }} as places
    inner join {{ ref('dim_towns') }} as towns on places.town_id = towns.town_id

),

rigs as (

    select
        startup,
        cast(count(rig) as bigint) as rig_count,
        cast(count(distinct town_id) as bigint) as town_count,
        {{ joined_text('place', ', ', 'place') }} as rigs
    from places
    group by startup

)

select
    current_consents.startup,
    named.startup is not null as is_named,
    named.owner,
    case
        when current_consents.strictest <> current_consents.widest then 'by_role'
        when current_consents.widest = 2 then 'shared'
        when current_consents.widest = 1 then 'own'
        else 'none'
    end as learn,
    current_consents.expires_at,
    rigs.rigs,
    coalesce(rigs.rig_count, 0) as rig_count,
    coalesce(rigs.town_count, 0) as town_count
from current_consents
left join rigs on current_consents.startup = rigs.startup
left join {{ source('policy', 'startups') }} as named on current_consents.startup = named.startup
