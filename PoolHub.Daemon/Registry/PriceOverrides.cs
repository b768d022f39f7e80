using System.Collections.Concurrent;
using PoolHub.Daemon.Storage;
using PoolHub.Protocol;

namespace PoolHub.Daemon.Registry;

/// <summary>
/// The prices that admins set, few beside the miners. Changed under the registry's lock, read without one.
/// </summary>
internal sealed class PriceOverrides(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, PriceOverride> _prices = new(StringComparer.Ordinal);

    /// <summary>Null when there is none, or it has ended.</summary>
    public PriceOverride? Find(string minerId) =>
        !_prices.IsEmpty && _prices.TryGetValue(minerId, out PriceOverride? price) && IsRunning(price) ? price : null;

    /// <summary>What the miner is offered at; null for its own price.</summary>
    public TokenPrice? PriceOf(string minerId) => Find(minerId)?.Price;

    public void Set(string minerId, PriceOverride? price)
    {
        if (price is null || !IsRunning(price))
        {
            _ = _prices.TryRemove(minerId, out _);
        }
        else
        {
            _prices[minerId] = price;
        }
    }

    /// <summary>Forgets those that have ended; returns whose they were.</summary>
    public List<string> TakeEnded()
    {
        List<string> ended = [];
        foreach ((string minerId, PriceOverride price) in _prices)
        {
            if (!IsRunning(price))
            {
                _ = _prices.TryRemove(minerId, out _);
                ended.Add(minerId);
            }
        }
        return ended;
    }

    private bool IsRunning(PriceOverride price) => price.EndsAt is not { } end || end > time.GetUtcNow();
}
