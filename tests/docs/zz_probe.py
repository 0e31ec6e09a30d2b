def test_x():
    """It is left
    over, a genuine behaviour."""
