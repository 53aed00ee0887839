"""The words of the demo model: plain data, put together by `demo_writer`.

`{t}` stands for what was asked about, `{T}` for the same with a capital. The general sentences
hold of anything one may ask about; the facts below are true of their subject.
"""

from __future__ import annotations

HONEST = (
    (
        "I am the demo model that comes with ccchat, not a language model: I arrange prepared "
        "words around yours."
    ),
    (
        "A word of honesty: this is the built-in demo model. It knows nothing beyond a few "
        "prepared facts; it shows how a real reply would look."
    ),
    (
        "No language model is at work here. This is ccchat's own demo model, with prepared "
        "sentences and your words in them."
    ),
    (
        "Written by the built-in demo model, which cannot think. Connect an Ollama server for "
        "answers that are worth quoting."
    ),
)

GREETINGS = (
    "Hello! Ask me anything, and keep typing: other chats go on while I answer.",
    "Hi there. Send a second message before this one has ended, if you like.",
    "Good to see you. Try *a table*, *a list*, *some Python* or *a long essay* about anything.",
)

THANKS = (
    "You are welcome. What is next?",
    "Glad that it helped. The queue is all yours.",
)

OPENINGS = (
    "{T} is easier to see once it is taken apart.",
    "Let us look at {t} from three sides.",
    "The short version of {t} fits in a few lines; the rest is detail.",
    "A good question about {t} already holds half of its answer.",
    "There is more than one way to look at {t}. Here is a useful one.",
    "Before anything else about {t}: say what you want from it.",
)

POINTS = (
    ("Purpose", "say in one sentence what {t} is for, and for whom"),
    ("Scope", "decide which part of {t} matters now, and which can wait"),
    ("Parts", "name the pieces of {t} and what passes between them"),
    ("Example", "keep one concrete case of {t} at hand and test every claim on it"),
    ("Limits", "note where {t} stops being true or useful"),
    ("Cost", "ask what {t} takes in time, money and attention"),
    ("Change", "look at what moves in {t} over a day, and over a year"),
    ("Measure", "choose one number that would tell you that {t} goes well"),
    ("Doubt", "write down what would change your mind about {t}"),
    ("Next step", "do the smallest thing about {t} that teaches you something"),
)

STEPS = (
    ("Write the goal down", "One sentence about {t}, in words a neighbour would understand."),
    ("Collect what there is", "Notes, numbers, people who know {t}. Half an hour is plenty."),
    ("Make a first version", "Small and plain. It only has to show that {t} works at all."),
    ("Try it on a real case", "Pick an ordinary one first, then the oddest you can think of."),
    ("Ask someone else", "Watch where they stop. That is where {t} needs work."),
    ("Fix one thing", "The one that costs most. Leave the others for the next round."),
    ("Write down what you learned", "Next time {t} begins where this time ended."),
)

SENTENCES = (
    (
        "Much of what is said about {t} is said in general, and is of little use until somebody "
        "gives an example."
    ),
    "It helps to separate what is known about {t} from what is merely repeated.",
    "The first version of anything about {t} should be small enough to throw away.",
    "Where two people disagree about {t}, they often mean different things by the same word.",
    "A picture of {t} on one page shows gaps that ten pages of text would hide.",
    "Time spent on the wrong part of {t} cannot be won back by working faster.",
    "The interesting cases of {t} sit at the edges: nothing at all, one, and far too many.",
    "What is measured gets attention, so choose with care what to measure about {t}.",
    "Simple rules about {t} that are kept beat clever ones that are forgotten.",
    "If {t} has a cost, someone pays it; find out who, and when.",
    "Every account of {t} leaves something out. A good one says what.",
    "It is cheaper to change a plan for {t} than to change the thing itself.",
    "Whoever explains {t} to a beginner soon notices what they have not understood themselves.",
    "A habit around {t} that takes two minutes a day outlasts a weekend of enthusiasm.",
    "Small errors in {t} add up when nobody looks, and cancel out when somebody does.",
    "The past of {t} explains a good deal of its present shape, and some of its odd corners.",
    "One should be able to stop halfway through {t} and still have something of use.",
    "Nothing about {t} has to be perfect; it has to be good enough to show what comes next.",
    "What looks like a detail of {t} is often the reason why the whole was made as it is.",
    "Ask about {t} at the place where it happens, not where it is reported.",
)

CLOSINGS = (
    "If you tell me more about {t}, I will use your words again.",
    "That is the outline of {t}; the details depend on your case.",
    "Ask for *a table*, *steps* or *a long essay* about {t} to see another shape.",
    "Start with one of these, not with all of them.",
)

SECTIONS = (
    "What is meant by it",
    "Where it comes from",
    "How it works in practice",
    "What it costs",
    "What can go wrong",
    "A small example",
    "Two views of it",
    "What to measure",
    "How to begin",
    "What remains open",
)

COMPARED = (
    ("Getting started", ("quick", "a little slower", "half a day", "an afternoon")),
    ("Everyday use", ("light", "steady", "needs some care", "hardly noticed")),
    ("Cost", ("low", "moderate", "depends on size", "mostly time")),
    ("Room to grow", ("plenty", "some", "limited", "wide")),
    ("Easy to undo", ("yes", "mostly", "with effort", "yes, early on")),
    ("Good for", ("trying out", "the long run", "small groups", "careful work")),
)

QUOTES = (
    "Begin with {t} as it is, not as it ought to be.",
    "Of {t} one may say: it is simple once it is finished.",
    "Look at {t} twice before you change it once.",
)

HAIKU = (
    ("Early light on glass", "{t}, a word in the room", "nobody answers"),
    ("Rain along the roof", "somebody thinks of {t}", "and forgets the tea"),
    ("The last train has gone", "{t} waits under the lamp", "snow begins to fall"),
)

FACTS: dict[str, tuple[str, ...]] = {
    "photosynthesis": (
        (
            "Plants take in carbon dioxide and water and, with the energy of light, make sugar and "
            "oxygen."
        ),
        "The light is caught by chlorophyll, in the chloroplasts of the cells.",
        "The oxygen that is set free comes from the water, not from the carbon dioxide.",
        "Leaves look green because chlorophyll absorbs green light less than red and blue.",
    ),
    "queue": (
        (
            "In a steady queue, the average number waiting equals the rate of arrival times the "
            "average wait (Little's law)."
        ),
        (
            "The closer a server is to fully busy, the faster the wait grows; the last few per "
            "cent cost most."
        ),
        "First come, first served is fair between equals; taking turns is fair between groups.",
        "A queue without a bound hides trouble until memory runs out.",
    ),
    "concurrency": (
        (
            "Concurrent tasks make progress in overlapping time; parallel tasks run at the very "
            "same moment."
        ),
        "In asyncio, tasks change over only at an `await`.",
        "A limit on tasks in flight keeps a busy server from becoming a stuck one.",
        "Cancelling is part of the contract: every task needs an owner who ends it.",
    ),
    "python": (
        "Python was made public by Guido van Rossum in 1991.",
        "Blocks are marked by indentation instead of braces.",
        "`asyncio` has been in the standard library since version 3.4.",
        "Types may be written down and checked by tools, but are not enforced at run time.",
    ),
    "rust": (
        "Rust 1.0 came out in May 2015.",
        "The borrow checker lets a value have one writer or many readers, never both at once.",
        "Memory is freed when its owner goes out of scope, without a garbage collector.",
        "Errors are values of type `Result`, and the compiler asks you to look at them.",
    ),
    "moon": (
        "The Moon is about 384,400 km away on average.",
        "It turns once on its axis per orbit, so that we always see the same side.",
        "Its pull is the main cause of the tides.",
        "Twelve people have walked on it, between 1969 and 1972.",
    ),
    "tides": (
        "Most coasts see two high and two low tides a day.",
        "The Moon's pull matters more than the Sun's, for it is so much nearer.",
        "Spring tides come at new and full moon, when both pull along one line.",
        "The shape of the coast decides how high the water rises.",
    ),
    "coffee": (
        "Coffee beans are the seeds of a fruit, the coffee cherry.",
        "Finer grounds give up their taste faster, so they need less time.",
        "Water a little below the boil, around 92 to 96 degrees, suits most brews.",
        "Arabica and robusta are the two species that make up nearly all of the trade.",
    ),
    "bread": (
        "Bread needs flour, water, salt and something that makes it rise.",
        "Yeast turns sugar into carbon dioxide, which the gluten holds in bubbles.",
        "A slow, cool rise gives more taste than a quick, warm one.",
        "Sourdough is raised by wild yeast and lactic acid bacteria living together.",
    ),
    "tea": (
        "Green, black and oolong tea all come from one plant, *Camellia sinensis*.",
        "What sets them apart is how far the leaves are oxidised.",
        "Green tea likes cooler water, around 70 to 80 degrees.",
    ),
    "rainbow": (
        "A rainbow needs sun behind you and drops of water before you.",
        "Light is bent on its way into each drop, reflected inside and bent again on the way out.",
        "The main bow stands about 42 degrees from the point opposite the sun.",
        "In the fainter second bow the colours run the other way round.",
    ),
    "chess": (
        "A game begins with 32 pieces on 64 squares.",
        "White has twenty possible first moves.",
        "The king and a rook may castle, once, if neither has moved before.",
        "A pawn that reaches the far side becomes another piece, nearly always a queen.",
    ),
    "bees": (
        "A honey bee tells the others where food is by a dance.",
        "Most bees in a summer hive are workers, and all workers are female.",
        "A hive keeps its brood at about 35 degrees.",
        "Of some 20,000 kinds of bee, only a few make honey that people gather.",
    ),
    "ollama": (
        "Ollama runs language models on your own machine and answers on port 11434 by default.",
        "`ollama serve` starts the server, `ollama pull NAME` fetches a model.",
        "`OLLAMA_NUM_PARALLEL` sets how many requests one loaded model answers at once.",
        "Replies are streamed as lines of JSON, a few letters in each.",
    ),
    "ccchat": (
        "ccchat keeps many chats going at once, in tabs or side by side.",
        "Every message becomes a request in one queue, with a limit for all and one per user.",
        "Any request can be cancelled by itself, and what had come of its reply is kept.",
        "`ccchat simulate --users 5 --messages 4 --demo` shows what the queue does under load.",
    ),
    "gravity": (
        "Near the ground, things fall 9.8 metres per second faster with every second.",
        "Without air, a feather and a hammer fall alike; this was shown on the Moon in 1971.",
        "The pull falls with the square of the distance.",
        "In general relativity it is no force, but the shape of space and time.",
    ),
}

ALIASES = {
    "queues": "queue",
    "queueing": "queue",
    "queuing": "queue",
    "concurrent": "concurrency",
    "asyncio": "concurrency",
    "async": "concurrency",
    "parallel": "concurrency",
    "tide": "tides",
    "lunar": "moon",
    "espresso": "coffee",
    "sourdough": "bread",
    "baking": "bread",
    "rainbows": "rainbow",
    "bee": "bees",
    "honey": "bees",
    "plants": "photosynthesis",
    "chlorophyll": "photosynthesis",
}

QUESTIONS = (
    "Explain how a queue behaves under load",
    "What is photosynthesis?",
    "Write a Python function about coffee",
    "Compare tea and coffee in a table",
    "Give me a list of ideas for a talk about the moon",
    "How do I bake bread, step by step?",
    "Tell me about the tides",
    "Write a haiku about bees",
    "Why do we see a rainbow?",
    "Show me some Rust about chess",
    "What does concurrency buy us?",
    "Describe gravity briefly",
)
"""What simulated users ask."""
