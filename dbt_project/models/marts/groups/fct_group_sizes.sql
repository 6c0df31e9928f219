{{ config(
    unique_key=['role_family'],
    order_by=['role_family'],
    statistics=['role_family'],
    tags=['scope:global'],
) }}

with sizes as (

    select
        groups.role_family,
        groups.group_key,
        cast(count(*) as bigint) as episode_count
    from {{ ref('fct_groups') }} as groups
    inner join {{ ref('int_selection_caps') }} as caps on groups.episode_key = caps.episode_key
    where caps.is_within_caps and groups.role_family is not null
    group by groups.role_family, groups.group_key

),

ranked as (

    select
        *,
        row_number() over (partition by role_family order by episode_count desc, group_key) as size_rank
    from sizes

),

roles as (

    select
        role_family,
        cast(count(*) as bigint) as group_count,
        cast(sum(episode_count) as bigint) as episode_count,
        max(case when size_rank = 1 then group_key end) as largest_group_key,
        max(case when size_rank = 1 then episode_count end) as largest_episode_count
    from ranked
    group by role_family

),

judged as (

    select
        *,
        round(cast(largest_episode_count as double) / episode_count, 6) as largest_share
    from roles

)

select
    role_family,
    group_count,
    episode_count,
    largest_group_key,
    largest_episode_count,
    largest_share,
    group_count >= {{ split_rule('largest_group_min_groups') }}
    and largest_share > {{ split_rule('largest_group_share') }} as is_kept_out,
    case
        when group_count >= {{ split_rule('largest_group_min_groups') }} and largest_share > {{ split_rule('largest_group_share') }}
            then 'largest_group_too_large'
    end as reason
from judged
