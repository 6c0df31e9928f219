-- Somebody may learn from an episode, or the reason is told; and whoever may learn may train or evaluate.
select
    episode_key,
    consent_reason
from {{ written(ref('int_episode_consent')) }} as consents
where
    {{ touched_rows(ref('int_episode_consent'), 'consents') }}
    and (
        (is_base_allowed or is_overlay_allowed) <> (consent_reason is null)
        or (can_train or can_eval) <> (consent_reason is null)
        or (is_overlay_allowed and startup is null)
        or (is_base_allowed and learn <> 'shared')
    )
