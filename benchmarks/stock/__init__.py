"""The same streams as taps that the SDK's template would have made, without any tuning."""
