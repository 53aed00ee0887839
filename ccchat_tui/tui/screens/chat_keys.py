"""The keys of the chats: they work wherever the person is."""

from __future__ import annotations

from textual.binding import Binding, BindingType


def _key(
    keys: str,
    action: str,
    words: str,
    tip: str = "",
    *,
    show: bool = True,
    name: str | None = None,
) -> Binding:
    """A key that works wherever the person is, also in the composer. Where the action has
    arguments, `name` is what the `[keys]` table calls it."""
    return Binding(keys, action, words, tooltip=tip or words, show=show, priority=True, id=name)


CHAT_KEYS: list[BindingType] = [
    _key("ctrl+n", "new_chat", "New chat", "New chat for the same user"),
    _key("alt+n", "new_chat_for", "New chat for…", "New chat for another user", show=False),
    _key("ctrl+g,f8", "toggle_grid", "Grid", "Change between tabs and grid"),
    _key("ctrl+b,f7", "toggle_panel", "Queue", "Show or hide the queue panel"),
    _key("f6", "next_area", "Go to", "Go to the replies, the queue, the message box"),
    _key("f3,ctrl+o", "choose_model", "Model", "Choose the model of this chat"),
    _key("f4", "settings", "Settings", "System prompt, temperature and order of this chat"),
    _key("f5", "connect", "Connect", "Try the model server again"),
    _key("f12,alt+h", "app.history", "History", "Open any conversation", show=False),
    _key("alt+t", "app.timeline", "Timeline", "Timeline, charts and events", show=False),
    _key("f2", "rename", "Rename", "Rename this chat", show=False),
    _key("f9,alt+w", "close_chat", "Close chat", "Close this chat", show=False),
    _key("ctrl+r", "retry_last", "Retry", "Ask the newest failed question again"),
    _key("ctrl+pagedown,alt+full_stop", "step(1)", "Next chat", show=False, name="next_chat"),
    _key("ctrl+pageup,alt+comma", "step(-1)", "Previous chat", show=False, name="previous_chat"),
    _key("alt+left", "look(-1, 0)", "Chat to the left", show=False, name="chat_left"),
    _key("alt+right", "look(1, 0)", "Chat to the right", show=False, name="chat_right"),
    _key("alt+up", "look(0, -1)", "Chat above, in the grid", show=False, name="chat_above"),
    _key("alt+down", "look(0, 1)", "Chat below, in the grid", show=False, name="chat_below"),
    *(
        _key(
            f"alt+{number}",
            f"jump({number})",
            "Go to chat 1 to 9",
            show=False,
            name=f"go_to_chat_{number}",
        )
        for number in range(1, 10)
    ),
    _key("alt+plus,alt+equals_sign", "limit(1)", "One more at once", show=False, name="one_more"),
    _key("alt+minus", "limit(-1)", "One less at once", show=False, name="one_less"),
    _key("f10,alt+p", "pause", "Pause", "Pause or resume the queue", show=False),
    _key(
        "alt+u",
        "cancel_user",
        "Cancel this user's",
        "Cancel all of this user's requests",
        show=False,
    ),
    _key("alt+x", "cancel_all", "Cancel all", "Cancel every request", show=False),
    _key("ctrl+f", "find", "Find", "Find words in this chat", show=False),
    _key("alt+a", "attach", "Attach", "Attach a file, or what is offered", show=False),
    _key("alt+e", "editor", "Editor", "Write the message in your own editor", show=False),
    _key("alt+l", "pieces", "Links and code", "Links and code blocks of a reply", show=False),
    _key("alt+j", "jump_mode", "Jump", "Go to any place by a letter", show=False),
    _key("alt+c", "compare", "Compare", "Ask several models the same", show=False),
    _key("alt+k", "keep_compared", "Keep", "Keep this chat of a comparison", show=False),
    _key("alt+s", "broadcast", "Broadcast", "One message to several chats", show=False),
    _key("alt+z", "zen", "Zen", "Nothing but the chat, or all again", show=False),
    _key("alt+d", "density", "Density", "More rows for the text, or fewer", show=False),
    Binding("tab", "app.focus_next", "Next place", show=False),
    Binding("shift+tab", "app.focus_previous", "Previous place", show=False),
    Binding("ctrl+c,super+c", "copy_text", "Copy the selection", show=False),
]
"""In the order in which the hints tell of them. What each does is said in `ChatsScreen`."""
