using System.Diagnostics;

namespace PoolHub.Tests.EndToEnd;

/// <summary>Waits for what another process does, which no clock of the test can hurry.</summary>
internal static class Eventually
{
    /// <summary>Only a failing test ever waits as long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Asks again and again until the answer is as wanted, and gives that answer.</summary>
    public static async Task<T> SeeAsync<T>(Func<Task<T>> ask, Func<T, bool> wanted)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            T answer = await ask();
            if (wanted(answer))
            {
                return answer;
            }
            Assert.True(waited.Elapsed < Patience, $"for {Patience.TotalSeconds} s the answer was not as wanted; at last: {answer}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
