namespace Handwritten.Runtime.Serving;

/// <summary>What the engine's thread counts; see <see cref="EngineStatistics"/>.</summary>
internal struct EngineCounters
{
    public int WindowsInUse;
    public int LanesInUse;
    public long Begun;
    public double QueueSeconds;
    public long EncoderPasses;
    public long EncodedWindows;
    public long WindowsHeardAgain;
    public long Steps;
    public long StepRows;
    public long Tokens;
    public double BusySeconds;
}
