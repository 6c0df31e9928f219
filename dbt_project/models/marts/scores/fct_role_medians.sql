{{ config(
    incremental=true,
    unique_key=['town_id', 'role_family', 'month_started_on'],
    order_by=['month_started_on', 'town_id', 'role_family'],
    statistics=['town_id', 'month_started_on'],
    tags=['scope:shard'],
) }}

with episodes as (

    select
        episode_key,
        town_id,
        role_family,
        {{ month_of('started_at') }} as month_started_on
    from {{ ref('fct_episodes') }}
    where town_id is not null and role_family is not null and started_at is not null

),

activity as (

    select
        episode_key,
        load_seq,
        active_seconds,
        last_recorded_at
    from {{ ref('int_episode_activity') }}

),

seen as (

    select
        episodes.town_id,
        activity.load_seq,
        max(activity.last_recorded_at) as newest_at
    from episodes
    inner join activity on episodes.episode_key = activity.episode_key
    group by episodes.town_id, activity.load_seq

),

months as (

    select distinct
        town_id,
        month_started_on,
        {{ month_of('month_started_on + interval 32 day') }} as next_month_started_on
    from episodes

),

-- A month is closed by the first load in which the town shows a time well past its end.
closed as (

    select
        months.town_id,
        months.month_started_on,
        min(seen.load_seq) as closing_load_seq
    from months
    inner join seen
        on
            months.town_id = seen.town_id
            and seen.newest_at >= {{ seconds_added(
                'cast(months.next_month_started_on as timestamp with time zone)',
                '86400 * ' ~ score_rule('month_closing_days')
            ) }}
    group by months.town_id, months.month_started_on

),

loads as (

    select
        load_seq,
        finished_at,
        -- The next load of the same files begins the next round.
        lead(load_seq) over (partition by coalesce(stream, '') order by load_seq) as next_round_seq
    from {{ source('raw', 'loads') }}

),

-- A town's homes are loaded one after the other; all of that round counts, what comes later is late.
rounds as (

    select
        closed.town_id,
        closed.month_started_on,
        closed.closing_load_seq,
        max(later.load_seq) as last_load_seq
    from closed
    inner join loads as closing on closed.closing_load_seq = closing.load_seq
    inner join loads as later
        on
            closing.load_seq <= later.load_seq
            and (closing.next_round_seq is null or closing.next_round_seq > later.load_seq)
            and (
                closing.finished_at is null or later.finished_at is null
                or later.finished_at <= {{ seconds_added('closing.finished_at', '3600 * ' ~ score_rule('month_round_hours')) }}
            )
    group by closed.town_id, closed.month_started_on, closed.closing_load_seq

),

known as (

    select
        episodes.town_id,
        episodes.role_family,
        episodes.month_started_on,
        rounds.closing_load_seq,
        activity.active_seconds,
        row_number() over (partition by episodes.episode_key order by activity.load_seq desc) as newest_first
    from episodes
    inner join rounds on episodes.town_id = rounds.town_id and episodes.month_started_on = rounds.month_started_on
    inner join activity on episodes.episode_key = activity.episode_key and rounds.last_load_seq >= activity.load_seq

),

medians as (

    select
        town_id,
        role_family,
        month_started_on,
        closing_load_seq,
        cast(count(*) as bigint) as episode_count,
        case when count(*) >= {{ score_rule('median_min_episodes') }} then cast(median(active_seconds) as double) end
            as median_active_seconds,
        cast({{ score_rule('rules_version') }} as bigint) as rules_version
    from known
    where newest_first = 1 and active_seconds > 0
    group by town_id, role_family, month_started_on, closing_load_seq

)

select
    medians.town_id,
    medians.role_family,
    medians.month_started_on,
    medians.median_active_seconds,
    medians.episode_count,
    medians.closing_load_seq,
    medians.rules_version
from medians
{% if is_incremental() %}
-- What is made stays as it is.
left join {{ this }} as made
    on
        medians.town_id = made.town_id
        and medians.role_family = made.role_family
        and medians.month_started_on = made.month_started_on
where made.town_id is null
{% endif %}
