using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using PoolHub.Daemon.Matching;
using PoolHub.Protocol.Http;

namespace PoolHub.Tests.Matching;

/// <summary>Answers as coordinators read them.</summary>
internal static class WrittenAnswer
{
    private static readonly HubJson s_asAnswered =
        new(new JsonSerializerOptions(HubJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    /// <summary>Reads what is written of a result, and holds that the serializer would have written the same.</summary>
    public static MatchResponse Of(MatchQuery query, MatchResult result, Guid matchId = default)
    {
        JsonBuffer json = JsonBuffer.Rent();
        AnswerWriter.Write(json, matchId, query, result);
        MatchResponse answer = JsonSerializer.Deserialize(json.Written.Span, HubJson.Default.MatchResponse)!;
        Assert.Equal(Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(answer, s_asAnswered.MatchResponse)), json.ToString());
        json.Return();
        return answer;
    }
}
