{{ config(
    unique_key=['conversation_key'],
    touched_key=['session_key'],
    order_by=['session_key[:6]', 'session_started_at', 'session_key', 'conversation_key'],
    statistics=['session_key', 'conversation_key', 'session_started_on', 'session_started_at'],
    tags=['scope:global'],
) }}

-- A text may have its like anywhere: keys and hashes are put together anew in every build, texts are not read here.
with facts as (

    select
        signatures.conversation_key,
        signatures.episode_key,
        signatures.session_key,
        signatures.session_started_on,
        signatures.session_started_at,
        signatures.text_hash,
        -- The same few words in answer to something else are no repetition.
        case when signatures.signature is not null then signatures.written_hash end as written_hash,
        candidates.role_family,
        candidates.startup,
        candidates.is_base_allowed,
        candidates.can_train,
        candidates.can_eval,
        candidates.started_at
    from {{ ref('int_conversation_signatures') }} as signatures
    inner join {{ ref('int_episode_candidates') }} as candidates on signatures.episode_key = candidates.episode_key
    where candidates.is_candidate

),

ranked as (

    select
        *,
        row_number() over (
            partition by text_hash, role_family, startup, is_base_allowed, can_train, can_eval
            order by started_at, conversation_key
        ) as text_place,
        row_number() over (
            partition by written_hash, role_family, startup, is_base_allowed, can_train, can_eval
            order by started_at, conversation_key
        ) as written_place
    from facts

),

neighbours as (

    select
        text_hash,
        other_text_hash,
        similarity
    from {{ ref('int_near_duplicate_pairs') }}
    union all
    select
        other_text_hash as text_hash,
        text_hash as other_text_hash,
        similarity
    from {{ ref('int_near_duplicate_pairs') }}

),

alike as (

    select
        own.conversation_key,
        others.conversation_key as other_conversation_key,
        'exact_turns' as kind,
        cast(1 as double) as similarity
    from ranked as own
    inner join ranked as others on own.text_hash = others.text_hash and own.role_family = others.role_family
    where others.text_place = 1
    union all
    select
        own.conversation_key,
        others.conversation_key as other_conversation_key,
        'exact_turns' as kind,
        cast(1 as double) as similarity
    from ranked as own
    inner join ranked as others on own.written_hash = others.written_hash and own.role_family = others.role_family
    where others.written_place = 1
    union all
    select
        own.conversation_key,
        others.conversation_key as other_conversation_key,
        'near' as kind,
        neighbours.similarity
    from ranked as own
    inner join neighbours on own.text_hash = neighbours.text_hash
    inner join ranked as others on neighbours.other_text_hash = others.text_hash and own.role_family = others.role_family
    where others.text_place = 1

),

judged as (

    select
        alike.kind,
        alike.similarity,
        own.conversation_key,
        others.conversation_key as duplicate_of_conversation_key,
        others.episode_key as duplicate_of_episode_key,
        others.session_key as duplicate_of_session_key,
        others.started_at as kept_started_at,
        own.started_at < others.started_at
        or (own.started_at = others.started_at and own.conversation_key < others.conversation_key) as is_earlier,
        -- The other one serves everybody whom this one would have served.
        (others.is_base_allowed or (not own.is_base_allowed and own.startup = others.startup))
        and (others.can_train or not own.can_train)
        and (others.can_eval or not own.can_eval) as is_covered,
        (own.is_base_allowed or (not others.is_base_allowed and own.startup = others.startup))
        and (own.can_train or not others.can_train)
        and (own.can_eval or not others.can_eval) as is_covering
    from alike
    inner join ranked as own on alike.conversation_key = own.conversation_key
    inner join ranked as others on alike.other_conversation_key = others.conversation_key
    where alike.conversation_key <> alike.other_conversation_key

),

chosen as (

    select
        *,
        row_number() over (
            partition by conversation_key
            order by similarity desc, kind, kept_started_at, duplicate_of_conversation_key
        ) as place
    from judged
    where is_covered and not (coalesce(is_covering, false) and is_earlier)

)

select
    facts.conversation_key,
    facts.episode_key,
    facts.session_key,
    facts.session_started_on,
    facts.session_started_at,
    facts.role_family,
    case when others.session_key is not null then 'fork' else chosen.kind end as kind,
    chosen.similarity,
    chosen.duplicate_of_conversation_key,
    chosen.duplicate_of_episode_key
from facts
inner join chosen on facts.conversation_key = chosen.conversation_key and chosen.place = 1
left join {{ ref('int_fork_families') }} as families on facts.session_key = families.session_key
left join {{ ref('int_fork_families') }} as others
    on chosen.duplicate_of_session_key = others.session_key and families.family_key = others.family_key
