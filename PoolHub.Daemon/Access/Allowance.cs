using PoolHub.Daemon.Http;
using Prometheus;

namespace PoolHub.Daemon.Access;

/// <summary>How much of one kind a coordinator may ask for in a second; counted by its name.</summary>
/// <param name="what">Of what, for people: "matches".</param>
/// <param name="bucket">The limit.</param>
/// <param name="admitted">Counts what was let pass.</param>
/// <param name="limited">Counts requests that were not.</param>
internal sealed class Allowance(string what, TokenBucket bucket, Counter.Child admitted, Counter.Child limited)
{
    /// <summary>The most that one request may ask for.</summary>
    public int Burst => bucket.Burst;

    /// <summary>0: no limit.</summary>
    public int PerSec
    {
        get => bucket.PerSec;
        set => bucket.PerSec = value;
    }

    /// <summary>True when so many may be; else 429 has been answered.</summary>
    public ValueTask<bool> AdmitAsync(HttpContext http, int count = 1)
    {
        if (bucket.Take(count) is { } wait)
        {
            limited.Inc();
            return new ValueTask<bool>(RefuseAsync(http, wait));
        }
        admitted.Inc(count);
        return ValueTask.FromResult(true);
    }

    /// <summary>Takes its figures out of the metrics.</summary>
    public void Remove()
    {
        admitted.Remove();
        limited.Remove();
    }

    private async Task<bool> RefuseAsync(HttpContext http, TimeSpan wait)
    {
        await http.Response.TooManyAsync($"this coordinator may ask for {PerSec} {what} a second, and {Burst} at once", wait);
        return false;
    }
}
