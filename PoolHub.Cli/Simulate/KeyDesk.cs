using System.Net;
using PoolHub.Protocol.Client;

namespace PoolHub.Cli.Simulate;

/// <summary>
/// Gets keys for miners whose own the hub does not take: it has closed its enrolment, or knows the miner with another key.
/// </summary>
internal sealed class KeyDesk(AdminClient admin) : IDisposable
{
    private readonly SemaphoreSlim _queue = new(8);
    private volatile bool _needed;

    /// <summary>True once the hub has refused a key that it did not issue: the others need not try theirs.</summary>
    public bool IsNeeded => _needed;

    /// <exception cref="HubException">The hub does not issue it.</exception>
    public async Task<string> GetAsync(string minerId, CancellationToken cancel)
    {
        _needed = true;
        await _queue.WaitAsync(cancel);
        try
        {
            return (await admin.IssueKeyAsync(minerId, cancel)).ApiKey;
        }
        catch (HubException e) when (e.StatusCode is HttpStatusCode.Conflict)
        {
            return (await admin.RotateKeyAsync(minerId, graceSec: 0, cancel)).ApiKey;
        }
        finally
        {
            _ = _queue.Release();
        }
    }

    public void Dispose() => _queue.Dispose();
}
