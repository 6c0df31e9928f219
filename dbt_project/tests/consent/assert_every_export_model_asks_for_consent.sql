-- Whatever leaves the lake (tag `export`) names its rows only where somebody may learn from them.
select model
from ({{ exports_without_consent() }}) as exports
