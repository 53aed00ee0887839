"""One module a screen; every one but the chats themselves is a dialog over them."""
