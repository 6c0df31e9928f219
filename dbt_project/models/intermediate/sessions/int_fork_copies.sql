{{ config(
    incremental=true,
    unique_key=['session_key', 'uuid_hash'],
    touched_key=['session_key'],
    touched_sql="select session_key from {{ touched(ref('int_fork_families')) }}",
    order_by=['session_key', 'uuid_hash'],
    statistics=['session_key'],
    rows_per_file=20000,
    tags=['scope:global'],
) }}

with families as (

    select
        session_key,
        family_key,
        originality_rank
    from {{ part_of(ref('int_fork_families'), touched(ref('int_fork_families'))) }}
    {% if is_incremental() %}
    where session_key in (select session_key from {{ touched(ref('int_fork_families')) }})
    {% endif %}

),

held as (

    select
        families.family_key,
        families.originality_rank,
        uuids.session_key,
        uuids.uuid_hash
    from {{ part_of(ref('int_record_uuids'), touched(ref('int_fork_families'))) }} as uuids
    inner join families on uuids.session_key = families.session_key

),

ranked as (

    select
        session_key,
        uuid_hash,
        first_value(session_key) over (
            partition by family_key, uuid_hash order by originality_rank
        ) as owner_session_key
    from held

)

select
    session_key,
    uuid_hash,
    owner_session_key
from ranked
where owner_session_key <> session_key
