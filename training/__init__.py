"""From judged episodes to adapters: calibration by people, and what follows it."""
