-- What can be used has messages, something to learn from, and no more tokens than its role's examples may have.
select
    examples.example_key,
    examples.token_count,
    examples.max_tokens
from {{ written(ref('fct_examples')) }} as examples
where
    {{ touched_rows(ref('fct_examples'), 'examples') }}
    and (
        (examples.unusable_reason is null) <> (examples.messages is not null)
        or (
            examples.unusable_reason is null
            and (examples.token_count > examples.max_tokens or examples.target_turn_count = 0)
        )
    )
