"""The web side of uploads: who may send, how much, how it reaches the door, and who watches. It opens no file that it takes."""
