namespace PoolHub.Daemon.Trust;

/// <summary>What a coordinator reports of a job.</summary>
internal static class Outcomes
{
    /// <summary>The miner took the job. Teaches nothing yet.</summary>
    public const string Accepted = "accepted";

    /// <summary>The miner declined it, though the hub had offered it.</summary>
    public const string Rejected = "rejected";

    public const string Failed = "failed";
    public const string Completed = "completed";
}
