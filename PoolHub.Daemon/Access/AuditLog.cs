using PoolHub.Daemon.Storage;

namespace PoolHub.Daemon.Access;

/// <summary>Who did what with an admin's rights. What changes the store is written there with the change itself.</summary>
internal sealed partial class AuditLog(IHubStore store, TimeProvider time, ILogger<AuditLog> log)
{
    /// <summary>An entry of what this request does.</summary>
    /// <param name="http">The request.</param>
    /// <param name="admin">Who sent it.</param>
    /// <param name="action">One of the constants of <see cref="AuditEntry"/>.</param>
    /// <param name="minerId">To whom; null to no single miner.</param>
    /// <param name="detail">For people.</param>
    public AuditEntry Entry(HttpContext http, Identity admin, string action, string? minerId, string detail = "") =>
        new(time.GetUtcNow(), admin.Name, http.Connection.RemoteIpAddress?.ToString() ?? "", action, minerId, detail);

    /// <summary>Keeps an entry of what changes nothing in the store. It is done also when the store is away: then the log says it.</summary>
    public async Task AppendAsync(AuditEntry entry)
    {
        try
        {
            await store.SaveAuditAsync(entry);
        }
        catch (StoreUnavailableException)
        {
            AuditNotKept(log, entry.Who, entry.Address, entry.Action, entry.MinerId, entry.Detail);
        }
    }

    /// <summary>Keeps that an admin has given holds back; that coordinators do is not kept.</summary>
    /// <param name="http">The request.</param>
    /// <param name="caller">Who sent it.</param>
    /// <param name="minerId">The miner that it names; null when it names none.</param>
    /// <param name="which">Which holds, for people.</param>
    /// <param name="released">How many there were.</param>
    public Task HoldsReleasedAsync(HttpContext http, Identity caller, string? minerId, string which, int released) =>
        caller.Caller == Caller.Admin
            ? AppendAsync(Entry(http, caller, AuditEntry.HoldRelease, minerId, $"{which}{(which.Length > 0 ? ": " : "")}{released} holds"))
            : Task.CompletedTask;

    [LoggerMessage(LogLevel.Warning, "the store did not take this for the audit log: {Who} at {Address}: {Action} {MinerId} {Detail}")]
    private static partial void AuditNotKept(ILogger log, string who, string address, string action, string? minerId, string detail);
}
