from my_chat import MyChat


def test_three_people_at_once(snap_scenario):
    snap_scenario("hello", at=6, app=MyChat, size=(120, 36))
