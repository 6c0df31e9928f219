{{ config(
    incremental=true,
    unique_key=['beads_project_id', 'mail_id'],
    touched_key=['beads_project_id', 'mail_id'],
    touched_sql="select beads_project_id, bead_id as mail_id from {{ touched(ref('dim_beads')) }}",
    order_by=['sent_at', 'beads_project_id', 'mail_id'],
    statistics=['beads_project_id', 'mail_id', 'sent_at'],
    rows_per_file=5000,
    tags=['scope:global']
) }}

{% set touched_beads = 'select beads_project_id, bead_id from ' ~ touched(ref('dim_beads'))
    ~ ' union select beads_project_id, bead_id from ' ~ touched(ref('stg_beads__labels')) %}
-- How protocol mails begin; what follows the word is the bead, branch or merge request they are about.
{% set protocol = '^(MERGE_READY|MERGED|MERGE_FAILED|FIX_NEEDED|REWORK_REQUEST|CONVOY_NEEDS_FEEDING|RECOVERED_BEAD|SPAWN_BLOCKED'
    ~ '|READY_FOR_REVIEW|POLECAT_DONE|POLECAT_STARTED|BRANCH_MISSING|HANDOFF|HELP)(: *| +|$)' %}

with
{% if is_incremental() %}
touched_beads as (

    {{ touched_beads }}

),

{% endif %}
mails as (

    select
        beads.beads_project_id,
        beads.bead_id,
        beads.title,
        beads.status,
        beads.assignee,
        beads.assignee_address,
        beads.sender,
        beads.mail_from,
        beads.mail_type,
        beads.mail_thread,
        beads.created_by,
        beads.is_ephemeral
    from {{ part_of(ref('int_beads'), touched_beads) }} as beads
    {% if is_incremental() %}
    inner join touched_beads
        on beads.beads_project_id = touched_beads.beads_project_id and beads.bead_id = touched_beads.bead_id
    {% endif %}
    where beads.kind = 'message'

),

lives as (

    select
        beads_project_id,
        bead_id,
        created_at,
        closed_at,
        is_gone
    from {{ part_of(ref('dim_beads'), touched_beads) }}

),

labels as (

    select
        labels.beads_project_id,
        labels.bead_id,
        -- Labels ever seen: a mail that is purged loses its labels a moment before.
        max(case when labels.label = 'read' then 1 else 0 end) = 1 as is_read,
        max(case when labels.label = 'delivery:acked' then 'acked' when labels.label = 'delivery:pending' then 'a pending' end)
            as delivery,
        max(case when labels.label like 'delivery-acked-by:%' then substr(labels.label, 19) end) as acked_by,
        max(case when labels.label like 'reply-to:%' then substr(labels.label, 10) end) as reply_to_id,
        max(case when labels.label like 'queue:%' then substr(labels.label, 7) end) as queue,
        max(case when labels.label like 'channel:%' then substr(labels.label, 9) end) as channel
    from {{ part_of(ref('stg_beads__labels'), touched_beads) }} as labels
    inner join mails on labels.beads_project_id = mails.beads_project_id and labels.bead_id = mails.bead_id
    where labels.change = 'upsert'
    group by labels.beads_project_id, labels.bead_id

),

named as (

    select
        *,
        -- The label names who wrote it; the maker of the bead may be a wrong identity.
        coalesce(mail_from, sender, created_by) as from_text,
        {{ regex_group('title', protocol, 1) }} as protocol
    from mails

)

select
    named.beads_project_id,
    named.bead_id as mail_id,
    named.title as subject,
    named.mail_type,
    named.protocol,
    case
        when named.protocol in ('RECOVERED_BEAD', 'SPAWN_BLOCKED', 'READY_FOR_REVIEW')
            then {{ regex_group('named.title', '^[A-Z_]+:? +([A-Za-z0-9_.-]+)', 1) }}
    end as about_bead_id,
    named.from_text as sender,
    {{ canonical_address('named.from_text') }} as sender_address,
    named.assignee as recipient,
    named.assignee_address as recipient_address,
    named.mail_thread as thread_id,
    labels.reply_to_id,
    labels.queue,
    labels.channel,
    substr(labels.delivery, case when labels.delivery like 'a %' then 3 else 1 end) as delivery,
    {{ canonical_address('labels.acked_by') }} as acked_by_address,
    coalesce(labels.is_read, false) as is_read,
    coalesce(named.status = 'closed', false) as is_archived,
    named.is_ephemeral,
    lives.is_gone,
    lives.created_at as sent_at,
    lives.closed_at as archived_at
from named
inner join lives on named.beads_project_id = lives.beads_project_id and named.bead_id = lives.bead_id
left join labels on named.beads_project_id = labels.beads_project_id and named.bead_id = labels.bead_id
