namespace PoolHub.Daemon.Storage;

/// <summary>The store cannot take the write now; nothing of it was kept.</summary>
internal class StoreUnavailableException : Exception
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

/// <summary>
/// The database cannot be reached, or the connection broke while it was at work. Whether it kept the write is not known;
/// writing it again does no harm.
/// </summary>
internal sealed class StoreAwayException : StoreUnavailableException
{
    public StoreAwayException(string message) : base(message)
    {
    }

    public StoreAwayException(string message, Exception inner) : base(message, inner)
    {
    }

    public StoreAwayException()
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
