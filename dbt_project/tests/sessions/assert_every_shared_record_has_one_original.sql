-- Of a record that several sessions hold, all but one session hold a copy.
with holders as (

    select
        families.family_key,
        uuids.uuid_hash,
        count(*) as holder_count,
        count(copies.session_key) as copy_count
    from {{ written(ref('int_fork_families')) }} as families
    inner join {{ part_of(ref('int_record_uuids'), touched(ref('int_fork_families'))) }} as uuids
        on families.session_key = uuids.session_key
    left join {{ part_of(ref('int_fork_copies'), touched(ref('int_fork_families'))) }} as copies
        on uuids.session_key = copies.session_key and uuids.uuid_hash = copies.uuid_hash
    where {{ touched_rows(ref('int_fork_families'), 'families') }}
    group by families.family_key, uuids.uuid_hash

)

select
    family_key,
    uuid_hash,
    holder_count,
    copy_count
from holders
where holder_count <> copy_count + 1
