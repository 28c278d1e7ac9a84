def hooke(x):
    return -x
