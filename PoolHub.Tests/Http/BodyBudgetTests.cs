using System.Net.Sockets;
using System.Text;
using PoolHub.Daemon.Http;
using PoolHub.Tests.Support;

namespace PoolHub.Tests.Http;

/// <summary>Long bodies of those who have not shown who they are.</summary>
public sealed class BodyBudgetTests
{
    private const int LongBytes = 250_000;

    [Fact]
    public void Budget_counts_what_is_beyond_the_free_bytes_and_takes_it_back()
    {
        var budget = new BodyBudget(100);
        Assert.True(budget.TryGrow(0, BodyBudget.Free));
        Assert.True(budget.TryGrow(BodyBudget.Free, BodyBudget.Free + 60));
        Assert.True(budget.TryGrow(0, BodyBudget.Free + 40));
        Assert.False(budget.TryGrow(BodyBudget.Free + 40, BodyBudget.Free + 41));
        Assert.True(budget.TryGrow(0, 1));
        budget.Return(1);
        budget.Return(BodyBudget.Free + 60);
        Assert.True(budget.TryGrow(0, BodyBudget.Free + 60));
        Assert.False(budget.TryGrow(0, BodyBudget.Free + 1));
    }

    [Fact]
    public async Task Long_bodies_of_strangers_are_refused_beyond_32_MB_and_short_ones_are_not()
    {
        await using TestHub hub = await TestHub.StartAsync();
        List<Socket> strangers = [];
        byte[] half = [
            .. Encoding.ASCII.GetBytes("POST /v1/miners/register HTTP/1.1\r\nHost: hub\r\nContent-Type: application/json\r\nContent-Length: 262144\r\n\r\n"),
            .. Enumerable.Repeat((byte)' ', LongBytes)];
        try
        {
            for (int i = 0; i < 160; i++)
            {
                strangers.Add(await Dial.ConnectAsync(hub.Hub.HttpEndPoint));
            }
            Task<string>[] answers = [.. strangers.Select(socket => SendAsync(socket, half))];
            string refused = await await Task.WhenAny(answers).WaitAsync(TestHub.Patience, TestContext.Current.CancellationToken);
            Assert.StartsWith("HTTP/1.1 503", refused, StringComparison.Ordinal);
            Assert.Contains("\r\nRetry-After: 1\r\n", refused, StringComparison.Ordinal);
            Assert.Contains(answers, answer => !answer.IsCompleted);
            _ = await hub.RegisterAsync("short");
        }
        finally
        {
            strangers.ForEach(socket => socket.Dispose());
        }
        await hub.UntilConnectedAsync(1);
        string key = await hub.IssueKeyAsync("long");
        _ = (await hub.Http.PostAsync("/v1/miners/register", Samples.Registration("long", key) + new string(' ', LongBytes))).Expect(200);
    }

    /// <summary>Kestrel's own clock counts here.</summary>
    [Fact]
    public async Task Body_that_comes_too_slowly_is_given_up()
    {
        await using TestHub hub = await TestHub.StartAsync();
        using Socket slow = await Dial.ConnectAsync(hub.Hub.HttpEndPoint);
        string answer = await SendAsync(
            slow, [.. "POST /v1/miners/register HTTP/1.1\r\nHost: hub\r\nContent-Length: 100000\r\n\r\n"u8, .. new byte[20_000]]);
        Assert.Empty(answer);
    }

    /// <summary>What the hub answers, or nothing when the connection ends first.</summary>
    private static async Task<string> SendAsync(Socket socket, byte[] bytes)
    {
        byte[] answer = new byte[4_096];
        try
        {
            _ = await socket.SendAsync(bytes);
            return Encoding.ASCII.GetString(answer, 0, await socket.ReceiveAsync(answer));
        }
        catch (SocketException)
        {
            return "";
        }
    }
}
