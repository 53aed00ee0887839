"""The engine over HTTP: seen and steered by programs, and asked in Ollama's own protocol."""
