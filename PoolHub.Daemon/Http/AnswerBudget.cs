using Microsoft.AspNetCore.Connections.Features;

namespace PoolHub.Daemon.Http;

/// <summary>
/// Memory for long answers while they wait for their readers: nobody may fill the machine by asking much and reading
/// nothing.
/// </summary>
/// <param name="bytes">Beyond the first <see cref="Free"/> of each answer, all together; one caller may have a quarter.</param>
internal sealed class AnswerBudget(long bytes)
{
    /// <summary>Of each answer nothing is counted so far, and few are longer. As much as Kestrel takes before it waits.</summary>
    public const int Free = 65_536;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _taken = [];
    private long _used;

    /// <summary>What a connection's items know its caller's name by.</summary>
    public static object Caller { get; } = typeof(AnswerBudget);

    /// <summary>Null when an answer may wait for its reader; then <see cref="Return"/> it. Else the status that says why not.</summary>
    public int? Take(string caller, int length)
    {
        long more = length - Free;
        lock (_gate)
        {
            long taken = _taken.GetValueOrDefault(caller) + more;
            if (taken > bytes / 4 || _used + more > bytes)
            {
                return taken > bytes / 4 ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable;
            }
            _taken[caller] = taken;
            _used += more;
            return null;
        }
    }

    public void Return(string caller, int length)
    {
        long more = length - Free;
        lock (_gate)
        {
            _used -= more;
            if ((_taken[caller] -= more) == 0)
            {
                _taken.Remove(caller);
            }
        }
    }

    /// <summary>Who asks: as it was noted with the connection, else nobody in particular.</summary>
    public static string CallerOf(HttpContext http) =>
        http.Features.Get<IConnectionItemsFeature>()?.Items.TryGetValue(Caller, out object? name) == true ? (string)name! : "";
}
