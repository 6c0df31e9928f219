{{ config(
    unique_key=['beads_project_id', 'recorded_on'],
    order_by=['beads_project_id', 'recorded_on'],
    statistics=['beads_project_id', 'recorded_on'],
    tags=['scope:global']
) }}

-- A day's own evidence: an offset that holds at two moments or more, and not much less often than the day's most frequent one.
-- A second server may write little, so being frequent on another day will do.
{% set least_moments, least_share = 2, 0.2 %}
-- Summer time moves a clock by an hour at most.
{% set change_seconds = 3600 %}
-- How far away the neighbours may be.
{% set neighbour_days = 31 %}

with counts as (

    select
        *,
        max(case when offset_seconds is not null then moment_count end)
            over (partition by beads_project_id, recorded_on) as most_moments
    from {{ ref('int_clock_pair_counts') }}

),

weighed as (

    select
        *,
        max(case when moment_count >= {{ least_share }} * most_moments then 1 else 0 end)
            over (partition by beads_project_id, offset_seconds) as is_frequent_somewhere
    from counts
    where offset_seconds is not null and moment_count >= {{ least_moments }}

),

accepted as (

    select
        *,
        row_number() over (
            partition by beads_project_id, recorded_on
            order by first_recorded_at, moment_count desc, offset_seconds
        ) as place
    from weighed
    where is_frequent_somewhere = 1

),

observed_days as (

    select
        counts.beads_project_id,
        counts.recorded_on,
        cast(sum(counts.change_count) as bigint) as change_count,
        cast(coalesce(sum(case when accepted.place is not null then counts.change_count end), 0) as bigint) as pair_count,
        cast(count(accepted.place) as bigint) as offset_count,
        max(case when accepted.place = 1 then counts.offset_seconds end) as first_offset_seconds,
        max(case when accepted.place = 1 then counts.last_recorded_at end) as first_until,
        max(case when accepted.place = 2 then counts.offset_seconds end) as second_offset_seconds,
        max(case when accepted.place = 2 then counts.first_recorded_at end) as second_from,
        -- All that agrees, over all accepted offsets; no minutes of drift can hide here.
        max(case when accepted.place is not null then counts.most_seconds - counts.least_seconds end) as spread_seconds
    from counts
    left join accepted
        on
            counts.beads_project_id = accepted.beads_project_id
            and counts.recorded_on = accepted.recorded_on
            and counts.offset_seconds = accepted.offset_seconds
    group by counts.beads_project_id, counts.recorded_on

),

spans as (

    select
        beads_project_id,
        min(recorded_on) as first_day,
        max(recorded_on) as last_day
    from observed_days
    group by beads_project_id

),

calendar as (

    {{ unnest_days('spans', 'first_day', 'last_day', ['beads_project_id']) }}

),

-- Closings by the reaper leave no event, and edges none either: days without a change need their clock as well.
days as (

    select
        calendar.beads_project_id,
        calendar.day as recorded_on,
        coalesce(observed_days.change_count, 0) as change_count,
        coalesce(observed_days.pair_count, 0) as pair_count,
        coalesce(observed_days.offset_count, 0) as offset_count,
        observed_days.first_offset_seconds,
        observed_days.first_until,
        observed_days.second_offset_seconds,
        observed_days.second_from,
        observed_days.spread_seconds
    from calendar
    left join observed_days
        on calendar.beads_project_id = observed_days.beads_project_id and calendar.day = observed_days.recorded_on

),

judged as (

    select
        *,
        case
            when offset_count = 1 then 'own_day'
            when
                offset_count = 2
                and abs(first_offset_seconds - second_offset_seconds) <= {{ change_seconds }}
                -- Where the clock was set back, the hour before and the hour after look alike.
                and {{ seconds_between('second_from', 'first_until') }} <= {{ change_seconds }}
                then 'clock_changed'
            when offset_count >= 2 then 'two_clocks'
        end as own_evidence
    from days

),

known as (

    select
        beads_project_id,
        recorded_on,
        own_evidence,
        case when own_evidence <> 'two_clocks' then first_offset_seconds end as earlier_offset_seconds,
        case
            when own_evidence = 'own_day' then first_offset_seconds
            when own_evidence = 'clock_changed' then second_offset_seconds
        end as later_offset_seconds
    from judged
    where own_evidence is not null

),

neighbours as (

    select
        judged.beads_project_id,
        judged.recorded_on,
        known.recorded_on < judged.recorded_on as is_before,
        case
            when known.recorded_on < judged.recorded_on then known.later_offset_seconds else known.earlier_offset_seconds
        end as offset_seconds,
        row_number() over (
            partition by judged.beads_project_id, judged.recorded_on, known.recorded_on < judged.recorded_on
            order by abs({{ days_between('judged.recorded_on', 'known.recorded_on') }})
        ) as distance
    from judged
    inner join known
        on
            judged.beads_project_id = known.beads_project_id
            and abs({{ days_between('judged.recorded_on', 'known.recorded_on') }}) <= {{ neighbour_days }}
    where judged.own_evidence is null

),

agreeing as (

    select
        beads_project_id,
        recorded_on,
        min(offset_seconds) as offset_seconds
    from neighbours
    where distance = 1
    group by beads_project_id, recorded_on
    having count(offset_seconds) = 2 and min(offset_seconds) = max(offset_seconds)

)

select
    judged.beads_project_id,
    judged.recorded_on,
    case
        when judged.own_evidence = 'own_day' then judged.first_offset_seconds
        when judged.own_evidence is null then agreeing.offset_seconds
    end as offset_seconds,
    judged.pair_count,
    judged.change_count,
    judged.spread_seconds,
    case
        when judged.own_evidence is not null then judged.own_evidence
        when agreeing.offset_seconds is not null then 'neighbours'
        else 'none'
    end as evidence,
    case when judged.own_evidence in ('clock_changed', 'two_clocks') then judged.first_offset_seconds end as first_offset_seconds,
    case when judged.own_evidence in ('clock_changed', 'two_clocks') then judged.first_until end as first_offset_until,
    case when judged.own_evidence in ('clock_changed', 'two_clocks') then judged.second_offset_seconds end as second_offset_seconds,
    case when judged.own_evidence in ('clock_changed', 'two_clocks') then judged.second_from end as second_offset_from
from judged
left join agreeing
    on judged.beads_project_id = agreeing.beads_project_id and judged.recorded_on = agreeing.recorded_on
