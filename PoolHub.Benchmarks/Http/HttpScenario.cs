using System.IO.Pipelines;
using PoolHub.Benchmarks.Children;
using PoolHub.Benchmarks.Fleets;
using PoolHub.Benchmarks.Harness;
using PoolHub.Benchmarks.Hubs;

namespace PoolHub.Benchmarks.Http;

/// <summary>
/// A match over HTTP, against an endpoint of the same server that reads the same body and answers as many
/// bytes. Heartbeats arrive over sockets all the while. Those who ask and those who beat are processes of their own.
/// </summary>
internal sealed class HttpScenario() : Scenario(Row)
{
    private const string Row = "http match / constant";
    private const int Miners = 100_000;
    private const int Sockets = 1_000;
    private const int HeartbeatsPerSec = 10_000;
    private const int MinHeartbeatsPerSec = 9_500;
    private const int Connections = 48;
    private const string Constant = "/constant";

    private byte[] _answer = [];

    public override async Task RunAsync(Bench bench)
    {
        await using HubUnderTest hub = await HubUnderTest.StartAsync(routes => routes.MapPost(Constant, AnswerAsync));
        await using Child miners = await Child.StartAsync(HeartbeatChild.Name, "hub", $"{hub.MinerPort}", $"{Sockets}", "1");
        await hub.EnterAsync(FleetGenerator.Make(Miners).Skip(Sockets));
        bench.Say($"a hub with {Miners:N0} miners, {Sockets:N0} of them on sockets");
        miners.Tell($"pace {HeartbeatsPerSec}");
        _answer = HttpExchange.Match(hub.HttpPort);

        using var files = new RequestFiles(HttpExchange.Request("/v1/match"), HttpExchange.Request(Constant));
        await using Child load = await Child.StartAsync([LoadChild.Name, "http", $"{hub.HttpPort}", $"{Connections}", "-", .. files.Paths]);
        _ = await AskAsync(load, 0, 1_000);
        _ = await AskAsync(load, 1, 1_000);
        Samples ours = new();
        Samples theirs = new();
        Samples ratios = new();
        Samples beats = new();
        // Many short turns: a machine that others use as well is not equally fast for long.
        int stretchMs = bench.Quick ? 500 : 1_000;
        for (int i = 0; i < (bench.Quick ? 15 : 30); i++)
        {
            (long beatsBefore, double before) = await CountAsync(miners);
            double match = await AskAsync(load, 0, stretchMs);
            (long beatsBetween, double between) = await CountAsync(miners);
            double constant = await AskAsync(load, 1, stretchMs);
            (long beatsAfter, double after) = await CountAsync(miners);
            beats.Add((beatsBetween - beatsBefore) / (between - before));
            beats.Add((beatsAfter - beatsBetween) / (after - between));
            ours.Add(match);
            theirs.Add(constant);
            ratios.Add(match / constant);
        }
        _ = HttpExchange.Match(hub.HttpPort);
        string? fault = beats.Median >= MinHeartbeatsPerSec ? null : $"only {Units.Rate(beats.Median)} heartbeats arrived";
        bench.Report(new Figure(
            Row, $"{Units.Rate(ours.Median)} at {Units.Rate(beats.Median)} hb", $"constant {Units.Rate(theirs.Median)}", ratios.Median,
            Fault: fault));
    }

    private static async Task<double> AskAsync(Child load, int request, int ms)
    {
        load.Tell($"{request} {ms}");
        (long answers, double seconds) = await load.HearCountAsync();
        return answers / seconds;
    }

    private static async Task<(long Count, double Seconds)> CountAsync(Child miners)
    {
        miners.Tell("count");
        return await miners.HearCountAsync();
    }

    /// <summary>The least that a server can do for the same request.</summary>
    private async Task AnswerAsync(HttpContext http)
    {
        while (true)
        {
            ReadResult read = await http.Request.BodyReader.ReadAsync();
            http.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = _answer.Length;
        await http.Response.BodyWriter.WriteAsync(_answer);
    }
}
