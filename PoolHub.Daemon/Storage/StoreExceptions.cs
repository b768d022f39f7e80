namespace PoolHub.Daemon.Storage;

/// <summary>The store cannot take the write now; nothing of it was kept.</summary>
internal sealed class StoreUnavailableException : Exception
{
    public StoreUnavailableException(string message) : base(message)
    {
    }

    public StoreUnavailableException(string message, Exception inner) : base(message, inner)
    {
    }

    public StoreUnavailableException()
    {
    }
}

/// <summary>The store holds no miner of that id.</summary>
internal sealed class UnknownMinerException : Exception
{
    public UnknownMinerException(string message) : base(message)
    {
    }

    public UnknownMinerException(string message, Exception inner) : base(message, inner)
    {
    }

    public UnknownMinerException()
    {
    }
}

/// <summary>
/// What was found cannot be used as the store. It was left as it was, and the message tells the operator what to do:
/// the daemon prints it and does not start.
/// </summary>
internal sealed class StoreRefusedException : Exception
{
    public StoreRefusedException(string message) : base(message)
    {
    }

    public StoreRefusedException(string message, Exception inner) : base(message, inner)
    {
    }

    public StoreRefusedException()
    {
    }
}
