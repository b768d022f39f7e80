namespace PoolHub.Daemon.Matching;

/// <summary>What no two candidates of an answer may have in common, so that one failure does not take them all.</summary>
internal enum SpreadBy
{
    None,

    /// <summary>Exactly the same region.</summary>
    Region,

    /// <summary>A miner without an owner stands for itself.</summary>
    Owner,
}
